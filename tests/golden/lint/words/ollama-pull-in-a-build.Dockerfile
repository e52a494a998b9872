FROM ollama/ollama:0.12.3
RUN ollama pull llama3.2:3b
EXPOSE 11434
# finds
# 2 error ollama pull asks a server that does not run in a build | RUN ollama serve & sleep 5 && ollama pull MODEL, or fetch when the container starts
