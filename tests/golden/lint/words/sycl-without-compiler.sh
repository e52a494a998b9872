#!/bin/sh
cmake -B build -DGGML_SYCL=ON -DGGML_NATIVE=OFF
# finds
# 2 warning -DGGML_SYCL=ON names no compiler for SYCL | -DCMAKE_C_COMPILER=icx -DCMAKE_CXX_COMPILER=icpx beside it
