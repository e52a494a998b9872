#!/bin/bash
set -eu
git clone --depth 1 --branch b11312 https://github.com/ggml-org/llama.cpp
cmake -S llama.cpp -B out \
  -DGGML_CUDA=ON \
  -DGGML_CUDA_F16=ON \
  -DGGML_HIPBLAS=OFF
cmake --build out --target llama-server
# finds
# 6 error -DGGML_CUDA_F16=ON no longer exists since August 2025 | leave it out
# 7 error -DGGML_HIPBLAS=OFF is called GGML_HIP today | GGML_HIP=OFF
