FROM ubuntu:24.04
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cd /src
RUN export CFLAGS=-O3
RUN source /etc/profile && cmake -S /src -B /src/build -DGGML_NATIVE=OFF && cmake --build /src/build -j4
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/build/bin/llama-server"]

# finds
# warning 4 is forgotten with the end of its RUN line [cd /src] | WORKDIR
# warning 5 is forgotten with the end of its RUN line | ENV
# error 6 is not known to /bin/sh | . /etc/profile
