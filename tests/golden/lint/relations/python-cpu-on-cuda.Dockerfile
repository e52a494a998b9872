FROM nvidia/cuda:12.4.1-devel-ubuntu22.04
RUN apt-get update && apt-get install -y python3-pip
RUN export CMAKE_ARGS="-DGGML_CUDA=on"
RUN pip3 install llama-cpp-python[server]
CMD ["python3", "-m", "llama_cpp.server", "--host", "0.0.0.0"]

# finds
# warning 3 is forgotten with the end of its RUN line | ENV
# warning 4 is built for the CPU alone | ENV CMAKE_ARGS="-DGGML_CUDA=ON"
