/** The product's version, in one place. */
export const VERSION = "0.1.0";
