FROM nvidia/cuda:12.8.1-devel-rockylinux9
RUN apt-get update && apt-get install -y cmake git gcc-c++
RUN git clone https://github.com/ggml-org/llama.cpp

# finds
# error 2 is not the package manager | dnf
# warning 3 is not pinned
