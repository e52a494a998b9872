ARG IMAGE=python:3-slim-bookworm
FROM ${IMAGE}
ARG IMAGE
RUN apt-get update && apt-get install -y --no-install-recommends build-essential libopenblas-dev
RUN if [ "${IMAGE}" = "python:3-slim-bookworm" ]; then \
      CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_BLAS=ON -DGGML_BLAS_VENDOR=OpenBLAS" pip install llama-cpp-python[server]==0.3.36; \
    else \
      CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_CUDA=on" pip install llama-cpp-python[server]==0.3.36; \
    fi
USER 10001:10001
CMD ["python3", "-m", "llama_cpp.server"]
