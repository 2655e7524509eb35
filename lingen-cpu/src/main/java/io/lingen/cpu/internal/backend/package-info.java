/**
 * The CPU backend "cpu". Everything runs in plain Java; with {@code --add-modules jdk.incubator.vector} in vector instructions, and where
 * oneDNN's native library loads, products and convolutions run there.
 */
@NullMarked
package io.lingen.cpu.internal.backend;

import org.jspecify.annotations.NullMarked;
