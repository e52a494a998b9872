FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080 LLAMA_ARG_CACHE_TYPE_V=int8 LLAMA_ARG_THINK=loud LLAMA_ARG_TEMPERATURE=warm LLAMA_ARG_SPLIT_MODE=columns
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 7 error LLAMA_ARG_CACHE_TYPE_V=int8 cannot be 'int8' | one of: f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1
# 7 error LLAMA_ARG_SPLIT_MODE=columns cannot be 'columns' | one of: none, layer, row, tensor
# 7 error LLAMA_ARG_TEMPERATURE=warm cannot be 'warm' | a number
# 7 error LLAMA_ARG_THINK=loud cannot be 'loud' | one of: none, auto, deepseek, deepseek-legacy
