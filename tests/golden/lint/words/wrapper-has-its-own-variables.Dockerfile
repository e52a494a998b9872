FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
COPY run.sh /run.sh
USER 1000:1000
ENV LLAMA_HOME=/data PORT=9000
EXPOSE 9000
ENTRYPOINT ["/run.sh"]
