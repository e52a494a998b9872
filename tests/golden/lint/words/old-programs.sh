#!/bin/sh
git clone -b b11312 https://github.com/ggml-org/llama.cpp && cd llama.cpp
make LLAMA_HIPBLAS=1
./main -m a.gguf -ngl 20
# finds
# 3 error make stops: llama.cpp is no longer built by make | cmake -B build -DGGML_HIP=ON && cmake --build build -j; programs are in build/bin then
# 4 error ./main is not built by this revision | ./llama-cli
