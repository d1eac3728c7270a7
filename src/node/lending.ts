// For threads of components: `--import unum/lending` lets them import "unum", as components do.

import { lendOwnPackages } from "./own-packages.ts";

lendOwnPackages();
