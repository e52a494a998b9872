# Build with: docker build -f docker/cpu.Dockerfile . in a checkout of ik_llama.cpp
FROM ubuntu:24.04
COPY . /app
RUN cmake -S /app -B /app/build -DGGML_NATIVE=OFF -DGGML_IQK_FLASH_ATTENTION=ON
# finds
# 1 note ik_llama.cpp is checked against llama.cpp 0c1e57098
# 2 warning ubuntu:24.04 runs as root | USER 65532:65532, in numbers
# 4 error cmake is not in this stage | install cmake
# 4 error cmake needs g++, which its stage lacks | install g++
# 4 error cmake needs make, which its stage lacks | install build-essential
# 4 note -DGGML_IQK_FLASH_ATTENTION=ON is not an option of this revision | leave it out
