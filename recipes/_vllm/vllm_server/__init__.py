"""vLLM's server with OpenAI's API, which ends in time when it is told to."""
