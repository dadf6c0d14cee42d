"""The simulated company: what it holds, who may use it, and how it is configured."""
