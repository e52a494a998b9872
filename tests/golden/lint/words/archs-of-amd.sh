#!/bin/sh
cmake -B a -DGGML_HIP=ON -DGGML_NATIVE=OFF -DGPU_TARGETS=gfx1100,gfx1101
cmake -B b -DGGML_HIP=ON -DGGML_NATIVE=OFF -DAMDGPU_TARGETS=1100
cmake -B c -DGGML_HIP=ON -DGGML_NATIVE=OFF "-DGPU_TARGETS=gfx90a:xnack-;gfx942;gfx11-generic;gfx9-4-generic"
cmake -B d -DGGML_HIP=ON -DGGML_NATIVE=OFF -DCMAKE_HIP_ARCHITECTURES="gfx1030 gfx1100"
# finds
# 2 error -DGPU_TARGETS=gfx1100,gfx1101 'gfx1100,gfx1101' is no arch for the compiler | GPU_TARGETS=gfx1100;gfx1101
# 3 error -DAMDGPU_TARGETS=1100 '1100' is no arch for the compiler | AMDGPU_TARGETS=gfx1100
# 5 error -DCMAKE_HIP_ARCHITECTURES=gfx1030 gfx1100 'gfx1030 gfx1100' is no arch for the compiler | CMAKE_HIP_ARCHITECTURES=gfx1030;gfx1100
