// Everything works without this file; with it, menus fold away and errors get the focus.
import { initAll } from './components.js';

initAll();
