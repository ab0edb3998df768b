"""moto, the emulator of AWS, corrected where it would refuse what AWS allows."""
