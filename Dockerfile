# The workflow with the pinned packages of the virtual environment:
#   docker build -t onnx-ptq-comparison .
#   docker run --rm -v "$PWD:/work" onnx-ptq-comparison --cores 4 all
# With TensorFlow, to convert Keras models (1.3 GB more): --build-arg CONVERT=yes
FROM python:3.11-slim

ARG CONVERT=no

WORKDIR /opt/onnx-ptq-comparison
COPY requirements.lock requirements-convert.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
RUN if [ "$CONVERT" = yes ]; then pip install --no-cache-dir --require-hashes --requirement requirements-convert.lock; fi
COPY . .

# Results and your own configuration lie in the folder that is mounted here.
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/opt/onnx-ptq-comparison/Snakefile"]
