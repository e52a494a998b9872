FROM python:3.12
RUN pip install llama-cpp-python -C cmake.args="-DGGML_HIPBLAS=ON;-DGGML_NATIVE=OFF"
# finds
# 2 error -DGGML_HIPBLAS=ON is called GGML_HIP today | GGML_HIP=ON
