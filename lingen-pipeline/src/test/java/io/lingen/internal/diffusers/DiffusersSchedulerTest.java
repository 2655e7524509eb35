package io.lingen.internal.diffusers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiffusersSchedulerTest {
    private static final String UNIPC = "\"_class_name\": \"UniPCMultistepScheduler\", \"use_flow_sigmas\": true, "
            + "\"prediction_type\": \"flow_prediction\"";
    private static final String DPM = "\"_class_name\": \"DPMSolverMultistepScheduler\", \"use_flow_sigmas\": true, "
            + "\"prediction_type\": \"flow_prediction\"";

    @Test
    void samplersAreNamedByTheirClass() {
        assertEquals(
                new DiffusersScheduler("unipc", 3, 2),
                read(UNIPC + ", \"flow_shift\": 3.0, \"solver_order\": 2, \"beta_start\": 0.1, \"unknown\": [null]"));
        assertEquals(
                new DiffusersScheduler("flow_euler", 5, 1),
                read("\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"shift\": 5"));
        assertEquals(new DiffusersScheduler("dpm++", 8, 2), read(DPM + ", \"flow_shift\": 8"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"lower_order_final\": false",
                "\"solver_p\": 1",
                "\"final_sigmas_type\": \"sigma_min\"",
                "\"solver_type\": \"bh1\"",
                "\"solver_order\": 4",
                "\"predict_x0\": false",
                "\"disable_corrector\": [0]",
                "\"num_train_timesteps\": 500",
                "\"shift_terminal\": 0.1",
                "\"thresholding\": true",
                "\"use_dynamic_shifting\": true",
                "\"use_karras_sigmas\": true",
                "\"use_exponential_sigmas\": true",
                "\"use_beta_sigmas\": true",
                "\"flow_shift\": 0",
            })
    void unimplementedValuesOfUniPcAreRejectedByName(String field) {
        assertRejected(UNIPC + ", " + field, field);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"\"algorithm_type\": \"sde-dpmsolver++\"", "\"solver_type\": \"heun\"", "\"solver_order\": 3"})
    void unimplementedValuesOfDpmSolverAreRejectedByName(String field) {
        assertRejected(DPM + ", " + field, field);
    }

    @Test
    void otherClassesAndNoiseSchedulesAreRejected() {
        assertRejected("\"_class_name\": \"DDIMScheduler\"", "\"_class_name\"");
        assertRejected("\"_class_name\": \"UniPCMultistepScheduler\"", "\"prediction_type\"");
        assertRejected(UNIPC.replace("true", "false"), "\"use_flow_sigmas\"");
    }

    private static void assertRejected(String fields, String field) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> read(fields));
        String name = field.substring(1, field.indexOf('"', 1));
        assertTrue(e.getMessage().contains("'" + name + "'"), e.getMessage());
    }

    private static DiffusersScheduler read(String fields) {
        return DiffusersScheduler.read(
                ConfigReader.parse("scheduler_config.json", ("{" + fields + "}").getBytes(StandardCharsets.UTF_8)));
    }
}
