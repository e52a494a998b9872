FROM python:3.11-alpine
RUN apk add --no-cache build-base
RUN pip install torch sentence-transformers fastapi uvicorn
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
# finds
# 3 error torch has no wheel for python:3.11-alpine | an image on Debian: python:3.12-slim
