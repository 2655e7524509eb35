"""An independent PyTorch reference of LinGen: denoisers, sampler and decoder, written from the published definitions."""
