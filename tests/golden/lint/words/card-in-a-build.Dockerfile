FROM nvidia/cuda:12.4.1-devel-ubuntu22.04
RUN apt-get update && apt-get install -y git cmake build-essential
RUN nvidia-smi && nvcc --version
RUN git clone -b b7000 https://github.com/ggml-org/llama.cpp /l && cd /l && cmake -B build -DGGML_CUDA=ON -DGGML_NATIVE=OFF -DCMAKE_CUDA_ARCHITECTURES=86 && cmake --build build
# finds
# 1 warning nvidia/cuda:12.4.1-devel-ubuntu22.04 runs as root | USER 65532:65532, in numbers
# 3 warning nvidia-smi finds no card in a build | leave it out, or ask when the container starts
# 4 error -DGGML_CUDA=ON cannot link its programs: there is no libcuda.so.1 in a build | -DGGML_BACKEND_DL=ON, or -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined
# 4 note https://github.com/ggml-org/llama.cpp is checked against llama.cpp 0c1e57098
