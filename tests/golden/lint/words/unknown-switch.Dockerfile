FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF -DGGML_ZLUDA=ON && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 5 error -DGGML_ZLUDA=ON is not an option of this revision | if a backend was meant, one of GGML_BLAS, GGML_CANN, GGML_CUDA, GGML_ET, GGML_HEXAGON, GGML_HIP, GGML_METAL, GGML_MUSA, GGML_OPENCL, GGML_OPENVINO, GGML_RPC, GGML_SYCL, GGML_VIRTGPU, GGML_VULKAN, GGML_WEBGPU, GGML_ZDNN, GGML_ZENDNN; else leave it out
