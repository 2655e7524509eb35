/**
 * The backend "cpu". Every operation has an implementation in plain Java. {@code --add-modules jdk.incubator.vector} enables vector
 * instructions. Matrix products and convolutions run in oneDNN if its native library loads.
 */
@NullMarked
package io.lingen.cpu.internal.backend;

import org.jspecify.annotations.NullMarked;
