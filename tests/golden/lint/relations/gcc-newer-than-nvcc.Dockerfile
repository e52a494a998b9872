FROM nvidia/cuda:12.4.1-devel-ubuntu22.04
RUN apt-get update && apt-get install -y software-properties-common && rm -rf /var/lib/apt/lists/* && add-apt-repository ppa:ubuntu-toolchain-r/test && apt-get install -y git cmake libssl-dev gcc-14 g++-14
ENV CC=gcc-14 CXX=g++-14 CUDAHOSTCXX=g++-14
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DGGML_CUDA=ON -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DCMAKE_CUDA_ARCHITECTURES=86-real && cmake --build build -j4 --target llama-server
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/build/bin/llama-server"]

# finds
# error 3 compiles with GCC 14, which CUDA 12.4.1 refuses
