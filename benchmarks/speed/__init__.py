"""The parts of `benchmarks/bench.py`: contenders in processes of their own, sections that let them take turns."""
