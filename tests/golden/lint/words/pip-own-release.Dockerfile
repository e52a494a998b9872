FROM python:3.12
RUN CMAKE_ARGS="-DLLAMA_BLAS=ON -DGGML_NATIVE=OFF" pip install llama-cpp-python==0.2.20
# finds
# 2 note -DLLAMA_BLAS=ON is called GGML_BLAS today | GGML_BLAS=ON
# 2 note llama-cpp-python==0.2.20 is checked against llama.cpp 0c1e57098
