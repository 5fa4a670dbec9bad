"""The float32 model before quantization: conversion, checks, folding."""
