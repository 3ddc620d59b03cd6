// Returns an object with the parts of the page and its defects.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const describe = (element) => `${element.tagName.toLowerCase()} ${element.textContent.trim().slice(0, 40)}`;

  // Returns red, green and blue from 0 to 1, and alpha.
  const colour = (text) => {
    const numbers = text.match(/[\d.]+(e-?\d+)?/g).map(Number);
    const unit = text.startsWith("color(srgb") ? 1 : 255;
    return [numbers[0] / unit, numbers[1] / unit, numbers[2] / unit, numbers[3] ?? 1];
  };
  // Relative luminance and contrast as defined in WCAG 2.2.
  const luminance = ([r, g, b]) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found[3] === 1) return found;
    }
    return [1, 1, 1, 1];
  };

  const texts = all("body *").filter((element) => {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const visible = element.getClientRects().length > 0;
    return own && visible && !["SCRIPT", "STYLE", "title"].includes(element.tagName) && !element.closest(".hidden");
  });
  const pale = texts.filter((element) => {
    const style = getComputedStyle(element);
    const ink = colour(element.closest("svg") ? style.fill : style.color);
    return contrast(ink, background(element)) < 4.5;
  });

  const width = document.documentElement.clientWidth;
  const wide = all("body *").filter((element) => {
    const box = element.getBoundingClientRect();
    return box.right > width + 0.5 && !element.closest(".hidden") && !element.parentElement.closest(".scroll");
  });
  if (document.documentElement.scrollWidth > width) wide.push(document.documentElement);

  return {
    sections: all("main > section").filter((section) => !section.hidden).map((section) => section.id),
    headings: all("h1, h2, h3").map((heading) => heading.tagName),
    charts: all("#curves svg").length,
    lines: all("#curves polyline").length,
    cells: all(".matrix tbody td").length,
    pictures: all("#mistakes img").filter((image) => image.complete && image.naturalWidth === 28).length,
    kernels: all("#kernels svg").filter((svg) => svg.querySelectorAll("rect").length === 25).length,
    dark: luminance(background(document.body)) < 0.2,
    texts: texts.length,
    pale: pale.map(describe),
    overflow: wide.map(describe),
    unlabelled: all("img:not([alt]), svg:not([aria-label], [aria-hidden])").map(describe),
    unreachable: all(".scroll").filter((box) => box.tabIndex !== 0 || !box.ariaLabel).map(describe),
  };
})()
