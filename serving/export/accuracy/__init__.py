"""How exact an exported file is, and what int8 is calibrated on."""
