FROM nvidia/cuda:12.9.1-devel-ubuntu24.04
RUN apt-get update && apt-get install -y git cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/a -DGGML_NATIVE=OFF -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
RUN CUDAHOSTCXX=/usr/bin/g++-12 cmake -S /src -B /src/b -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=86-real
RUN cmake -S /src -B /src/c -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=86-real -DCMAKE_CUDA_COMPILER=/usr/local/cuda-12.4/bin/nvcc
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/c/bin/llama-server"]

# finds
# error 4 names a compiler that its stage lacks [-DCMAKE_C_COMPILER=clang] | install clang
# error 5 names a compiler that its stage lacks | install g++-12
# error 6 is not in this stage, which has CUDA 12.9.1 | leave it out
