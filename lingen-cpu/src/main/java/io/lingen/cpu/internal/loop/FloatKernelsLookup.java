package io.lingen.cpu.internal.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Selection of the fastest loops that this JVM can run. */
public final class FloatKernelsLookup {
    private static final Logger log = LoggerFactory.getLogger(FloatKernelsLookup.class);
    private static final boolean VECTORS =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

    private static boolean warned;

    private FloatKernelsLookup() {}

    /** {@return whether the Vector API is available} */
    public static boolean hasVectors() {
        return VECTORS;
    }

    /** {@return loops in the Vector API, or in plain Java if it is missing} A missing Vector API is logged once, with the remedy. */
    public static FloatKernels best() {
        if (VECTORS) {
            return VectorHolder.create();
        }
        warnOnce();
        return new ScalarFloatKernels();
    }

    private static synchronized void warnOnce() {
        if (!warned) {
            warned = true;
            log.warn("the cpu backend runs several times slower without vector instructions; start Java with"
                    + " --add-modules jdk.incubator.vector");
        }
    }

    /** A holder that defers the loading of a class that needs the Vector API. */
    private static final class VectorHolder {
        private static FloatKernels create() {
            return new VectorFloatKernels();
        }
    }
}
