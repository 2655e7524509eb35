package io.lingen.spi;

/**
 * A line about a model.
 *
 * @param name a word, such as "denoiser"
 * @param text such as its size
 */
public record ModelFact(String name, String text) {}
