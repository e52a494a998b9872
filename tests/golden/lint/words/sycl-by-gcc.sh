#!/bin/sh
cmake -B build -DGGML_SYCL=ON -DGGML_NATIVE=OFF -DCMAKE_C_COMPILER=gcc-13 -DCMAKE_CXX_COMPILER=/usr/bin/g++-13
# finds
# 2 error -DCMAKE_CXX_COMPILER=/usr/bin/g++-13 compiles no SYCL | CMAKE_C_COMPILER=icx and CMAKE_CXX_COMPILER=icpx
