FROM debian:trixie
RUN apt-get update && apt-get install -y g++ cmake git make libssl-dev
RUN git clone https://github.com/ggml-org/llama.cpp /l && git -C /l checkout 0c1e57098bba
WORKDIR /l
RUN cmake -B o -DGGML_NATIVE=OFF  && cmake --build o
USER 1000:1000
CMD ["./server", "-m", "/m.gguf", "--host", "0.0.0.0", "--port", "8080", "--mlock"]
# finds
# 7 error --mlock no longer exists since September 2026 | --load-mode mlock, and a memlock limit that allows for it
# 7 error ./server is not built by this revision | ./llama-server
