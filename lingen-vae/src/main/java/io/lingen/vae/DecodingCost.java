package io.lingen.vae;

/**
 * What the decoding of a clip takes, for a check before it starts.
 *
 * @param weightBytes the packed weights, for as long as the decoder is loaded
 * @param passBytes the most that is allocated beside them at one time: a tile's activations, the latents and the frames that are carried
 *     over. A backend's own scratch memory comes on top.
 * @param operations floating-point operations for the whole clip, overlaps counted as often as they are decoded; 2 per multiply-add
 */
public record DecodingCost(long weightBytes, long passBytes, long operations) {}
