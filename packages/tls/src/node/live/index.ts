/**
 * Connections as they happen, for `handfast view`: where it listens, and how a program shows it what it does. docs/viewer.md tells
 * what is shown, and what is not.
 *
 * @module
 */

export { heardBy, type Watching } from '../watcher.ts';
export { type LiveViewOptions, liveView } from './live-view.ts';
export { type Environment, isFolderOfOurs, isViewerSocket, viewerSocketPath } from './place.ts';
export { type Streamer, type StreamerOptions, streamer } from './streamer.ts';
