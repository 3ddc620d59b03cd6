//! Simulated user input: keyboard, mouse and files.

use std::path::Path;

use serde_json::json;

use crate::chromium::Tab;

impl Tab<'_> {
    /// Presses and releases a key, named as in the DOM: `Enter`, or `" "` for space.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            " " => 32,
            "Backspace" => 8,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Home" => 36,
            "End" => 35,
            "PageUp" => 33,
            "PageDown" => 34,
            key => panic!("unknown key {key}"),
        };
        let text = match key {
            "Enter" => "\r",
            " " => " ",
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event =
                json!({ "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Drags the mouse along these points of the window.
    pub fn drag(&mut self, points: &[[f64; 2]]) {
        let last = points.len() - 1;
        let mut send = |kind: &str, [x, y]: [f64; 2]| {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        };
        send("mousePressed", points[0]);
        points.iter().for_each(|point| send("mouseMoved", *point));
        send("mouseReleased", points[last]);
    }

    /// Drops a file at a point of the window.
    pub fn drop_file(&mut self, path: &Path, [x, y]: [f64; 2]) {
        let data = json!({ "items": [], "files": [path], "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": x, "y": y, "data": data });
            self.call("Input.dispatchDragEvent", event);
            // The page shows that it accepts the file for as long as it is dragged.
            if kind == "dragOver" {
                self.wait_for("'dragging' in document.documentElement.dataset");
            }
        }
        self.wait_for("!('dragging' in document.documentElement.dataset)");
    }

    /// Chooses a file in the file input that matches `selector`.
    pub fn choose_file(&mut self, selector: &str, path: &Path) {
        let parameters = json!({ "expression": format!("document.querySelector({selector:?})") });
        let field = self.call("Runtime.evaluate", parameters)["result"]["objectId"].clone();
        let parameters = json!({ "files": [path], "objectId": field });
        self.call("DOM.setFileInputFiles", parameters);
    }
}
