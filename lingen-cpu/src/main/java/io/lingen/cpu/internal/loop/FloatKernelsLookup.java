package io.lingen.cpu.internal.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Picks the loops that this virtual machine can run. */
public final class FloatKernelsLookup {
    private static final Logger log = LoggerFactory.getLogger(FloatKernelsLookup.class);
    private static final boolean VECTORS =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

    private static boolean told;

    private FloatKernelsLookup() {}

    /** Whether the Vector API is there. */
    public static boolean hasVectors() {
        return VECTORS;
    }

    /** Those of the Vector API where it is there; else plain Java, and once a line in the log that says how to change that. */
    public static FloatKernels best() {
        if (VECTORS) {
            return VectorHolder.create();
        }
        tell();
        return new ScalarFloatKernels();
    }

    private static synchronized void tell() {
        if (!told) {
            told = true;
            log.warn("the cpu backend runs without vector instructions, several times slower; start Java with"
                    + " --add-modules jdk.incubator.vector");
        }
    }

    /** Keeps classes that need the module from being loaded without it. */
    private static final class VectorHolder {
        private static FloatKernels create() {
            return new VectorFloatKernels();
        }
    }
}
