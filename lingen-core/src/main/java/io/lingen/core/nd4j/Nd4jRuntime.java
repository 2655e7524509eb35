package io.lingen.core.nd4j;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.spi.BackendProvider.Availability;
import java.util.function.Supplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.factory.Nd4j;

/** The state of ND4J in this process: its availability, and the scopes of intermediate results. */
final class Nd4jRuntime {
    /** A scope without reuse: each array is allocated separately and freed when the scope ends. */
    private static final WorkspaceConfiguration SCOPE = WorkspaceConfiguration.builder()
            .initialSize(0)
            .policyAllocation(AllocationPolicy.STRICT)
            .policyLearning(LearningPolicy.NONE)
            .policySpill(SpillPolicy.EXTERNAL)
            .build();

    private Nd4jRuntime() {}

    static Availability availability() {
        try {
            org.nd4j.linalg.factory.Nd4jBackend.load();
        } catch (org.nd4j.linalg.factory.Nd4jBackend.NoAvailableBackendException e) {
            return new Availability(
                    false,
                    "ND4J has no backend on the class path; add org.nd4j:nd4j-native with the classifier of this platform");
        }
        return Nd4j.getBackend() == null
                ? new Availability(false, "ND4J could not initialize its backend; see the reason in its log")
                : new Availability(true, description());
    }

    static String description() {
        return "ND4J " + Nd4j.getBackend().getClass().getSimpleName() + ", reference in F32";
    }

    /** Returns whether arrays lie in host memory. */
    static boolean isCpu() {
        return Nd4j.getEnvironment().isCPU();
    }

    /** Runs an operation and frees its intermediate arrays. */
    static void inScope(Runnable operation) {
        MemoryWorkspace scope = Nd4j.getWorkspaceManager().getAndActivateWorkspace(SCOPE, "lingen");
        try {
            operation.run();
        } catch (OutOfMemoryError | RuntimeException e) {
            throw translated("the intermediate results of an operation", e);
        } finally {
            scope.close();
        }
    }

    /** Runs an allocation of arrays that outlive every scope, including an ND4J workspace of the caller. */
    static <T> T outOfScopes(String what, Supplier<T> allocation) {
        MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
        try {
            return allocation.get();
        } catch (OutOfMemoryError | RuntimeException e) {
            throw translated(what, e);
        } finally {
            outside.close();
        }
    }

    /** Recognizes the two forms in which ND4J reports a lack of memory: an error of JavaCPP, and an exception around std::bad_alloc. */
    private static RuntimeException translated(String what, Throwable e) {
        if (e instanceof RuntimeException && !String.valueOf(e.getMessage()).contains("Allocation failed")) {
            return (RuntimeException) e;
        }
        return new OutOfMemoryException(
                "ND4J has too little memory for " + what + " (" + e.getMessage()
                        + "); raise -Dorg.bytedeco.javacpp.maxbytes and -Dorg.bytedeco.javacpp.maxphysicalbytes, or make a "
                        + "smaller video",
                e);
    }
}
