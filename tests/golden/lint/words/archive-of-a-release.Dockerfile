FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake curl libssl-dev
RUN curl -fsSL https://github.com/ggml-org/llama.cpp/archive/refs/tags/b4500.tar.gz | tar xz && cmake -S llama.cpp-b4500 -B /o -DGGML_NATIVE=OFF -DGGML_CUDA_F16=ON && cmake --build /o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/o/bin/llama-server", "--mlock"]
# finds
# 3 note -DGGML_CUDA_F16=ON no longer exists since August 2025 | leave it out
# 3 note https://github.com/ggml-org/llama.cpp/archive/refs/tags/b4500.tar.gz is checked against llama.cpp 0c1e57098
# 6 note --mlock no longer exists since September 2026 | --load-mode mlock, and a memlock limit that allows for it
