# An image with the workflow and the packages of requirements.lock:
#   docker build -t onnx-ptq-comparison .
#   docker run --rm -v "$PWD:/work" onnx-ptq-comparison --cores 4 all
# --build-arg CONVERT=yes adds TensorFlow, to convert Keras models (1.3 GB more).
# --build-arg CLUSTER=yes adds the plugins for SLURM and S3, for jobs of a cluster.
# By digest, since a tag can be moved: docker buildx imagetools inspect python:3.11-slim
FROM python:3.11.16-slim-trixie@sha256:e41613d42d4891e4930f79523f93f81bbc7632584ec65e36ab055f41a800b41e

ARG CONVERT=no
ARG CLUSTER=no

WORKDIR /opt/onnx-ptq-comparison
COPY requirements.lock requirements-convert.lock requirements-cluster.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.lock
RUN if [ "$CONVERT" = yes ]; then pip install --no-cache-dir --require-hashes --no-deps --requirement requirements-convert.lock; fi
RUN if [ "$CLUSTER" = yes ]; then pip install --no-cache-dir --require-hashes --no-deps --requirement requirements-cluster.lock; fi
COPY . .

# onnxruntime would look a host up at its import.
ENV ORT_DISABLE_TELEMETRY=1

# Mount a folder here: it holds your configuration and receives the results.
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/opt/onnx-ptq-comparison/Snakefile"]
