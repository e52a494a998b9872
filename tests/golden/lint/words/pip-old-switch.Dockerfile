FROM python:3.12
ENV CMAKE_ARGS="-DLLAMA_CUBLAS=on -DGGML_NATIVE=OFF"
RUN pip install llama-cpp-python[server]
# finds
# 2 error -DLLAMA_CUBLAS=on stops CMake | GGML_CUDA=on
