"""The functions behind the rules, in a room for each stage.

    room          what is in it                                       imports from
    common        errors, files, jobs, progress: what every room uses nothing of the package
    config        what the user asks for: methods, schemes, recipes   -
    datasets      readers of data sets, and samples of them           -
    model         an ONNX graph; onnx, not onnxruntime                -
    inference     preprocessing, batches, sessions                    model
    preparation   the float32 model before quantization               inference model config
    calibration   ranges of activations                               inference model config
    quantization  from float32 to 8 bits, and checks of the result    inference model config
    refinement    weights changed so that quantization costs less     quantization calibration
                                                                      inference model config
    evaluation    accuracy, fidelity, saturation, latency             inference
    search        single nodes, mixed precision, the recipe to ship   quantization evaluation
                                                                      inference model config
    stability     what another draw of calibration images changes     refinement calibration
                                                                      evaluation datasets
                                                                      inference model config
    device        the same comparison on other machines               evaluation inference model
                                                                      config
    diagnosis     why a quantized model lost accuracy                 quantization preparation
                                                                      inference model
    verification  requirements on the results                         quantization evaluation
                                                                      inference model
    report        tables, pages, figures and verdicts for people      search stability device
                                                                      evaluation config

All may import common, and nobody imports report. A test holds the imports against this table.
"""
