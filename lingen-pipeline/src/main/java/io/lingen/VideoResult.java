package io.lingen;

import java.nio.file.Path;

/**
 * A video that was made, with all that it can be made again from.
 *
 * @param video the file
 * @param descriptionFile the JSON file beside it: description, machine and times
 * @param plan the request and what the model made of it
 * @param description what the video can be made again from; it is in its comment tag
 * @param times how long the stages took
 */
public record VideoResult(
        Path video, Path descriptionFile, VideoPlan plan, VideoDescription description, StageTimes times) {
    /** The JSON file that belongs to a video: beside it, of its name with the ending .json. */
    public static Path descriptionFileOf(Path video) {
        String name = video.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return video.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ".json");
    }
}
