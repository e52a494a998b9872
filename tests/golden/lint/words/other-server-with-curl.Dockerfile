FROM python:3.11-slim
RUN apt-get update && apt-get install -y curl
HEALTHCHECK CMD curl -f http://localhost:8090/health || exit 1
CMD ["python", "main.py"]
