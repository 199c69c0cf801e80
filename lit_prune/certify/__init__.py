"""Certification of a biased task, before any debiasing method is run on it, so that it is not tuned towards one."""
