/** Every measure, in the order they run. */
import { checkpoint } from "./checkpoint.mjs";
import { echo } from "./echo.mjs";
import { fleetFlood } from "./fleet-flood.mjs";
import { flood } from "./flood.mjs";
import { park } from "./park.mjs";
import { recover } from "./recover.mjs";
import { rpc } from "./rpc.mjs";
import { scale } from "./scale.mjs";
import { spawn } from "./spawn.mjs";
import { watch } from "./watch.mjs";

export const MEASURES = [flood, fleetFlood, echo, spawn, scale, watch, rpc, checkpoint, recover, park];
