"""What is made of several runs; works on their folders."""
