FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ikawrakow/ik_llama.cpp /l && git -C /l checkout b8f3a2e77
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF -DGGML_IQK_FLASH_ATTENTION=ON && cmake --build o
USER 1000:1000
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
ENTRYPOINT ["/l/o/bin/llama-server"]
# finds
# 3 note https://github.com/ikawrakow/ik_llama.cpp is checked against llama.cpp 0c1e57098
# 5 note -DGGML_IQK_FLASH_ATTENTION=ON is not an option of this revision | leave it out
