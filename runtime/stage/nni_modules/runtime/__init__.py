"""`nni.runtime`: what advisors written for NNI import from below it."""
