FROM nvidia/cuda:12.9.1-devel-ubuntu24.04
ENV CUDA_DOCKER_ARCH=all GGML_CUDA=1
RUN CMAKE_ARGS="-DGGML_CUDA=on" pip install llama-cpp-python[server]==0.3.36
CMD ["python3", "-m", "llama_cpp.server"]
# finds
# 2 note GGML_CUDA=1 is an option of CMake, not a variable | -DGGML_CUDA=1 on CMake's command line
