package io.lingen.spi;

/**
 * A fact about a model, for display.
 *
 * @param name one word, for example "denoiser"
 * @param text the fact, for example the architecture and number of parameters
 */
public record ModelFact(String name, String text) {}
